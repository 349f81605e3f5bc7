# Sources of the policy area.
