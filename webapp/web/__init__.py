"""The HTTP kernel: guarded blueprints, rendering, origin check, headers, errors, paging, navigation and charts."""
