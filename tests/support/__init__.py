"""What several test modules share: building small run databases and stating what must come out of them."""
