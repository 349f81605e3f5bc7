# Sources of the dcap area.
