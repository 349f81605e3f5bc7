# Sources of the collateral area.
