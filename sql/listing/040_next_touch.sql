-- listing/040_next_touch.sql
-- Purpose: the low end of a read's window, taken before the request is sent.
select nextval('mirror.touch_seq') as touch
