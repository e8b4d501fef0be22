-- mirror/212_forget_pages.sql
-- Purpose: pages of a slice that its complete walk did not show again will hardly come back.
-- Input:   resource_type, delivery_type, touch_low (of the walk)      Writes: mirror.proved_page
delete from mirror.proved_page
where resource_type = :resource_type and delivery_type = :delivery_type and touch < :touch_low
