copy floor.page (body) from stdin with (format binary)
