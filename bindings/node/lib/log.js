"use strict"
// Where warnings go unless the caller says otherwise.

/** @param {string} message */
function warn(message) {
    process.emitWarning(message, "RaTlsWarning")
}

module.exports = { warn }
