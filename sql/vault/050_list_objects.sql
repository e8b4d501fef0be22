-- vault/050_list_objects.sql
-- Purpose: files in the order of their names.           Input: after_sha256, row_limit
-- Output:  sha256, size_bytes each
select o.sha256, o.size_bytes from ops.vault_object as o
where o.sha256 > :after_sha256
order by o.sha256
limit :row_limit
