"""What do they choose? Shares by what products are, lately most."""
