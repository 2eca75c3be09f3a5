"""Named prompts: their versions, their variables and who uses them."""
