// The editor's mouse.
