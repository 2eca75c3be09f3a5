"""Work that is done outside requests. Everything that knows the queue's library is in this package."""
