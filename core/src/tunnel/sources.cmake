# Sources of the tunnel area.
