# Sources of the verifier area.
