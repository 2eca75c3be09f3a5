"""The versions of a flow: who saved what, how it did while it was current, what differs, and the way back."""
