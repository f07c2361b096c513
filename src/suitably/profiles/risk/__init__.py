"""What risk do they want, what can they bear, what do they hold? One level, never raised."""
