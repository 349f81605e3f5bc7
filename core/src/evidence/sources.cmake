# Sources of the evidence area.
