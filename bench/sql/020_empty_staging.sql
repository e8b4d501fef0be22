truncate floor.page
