"""The pages, one package per feature: routes, queries, operations, forms."""
