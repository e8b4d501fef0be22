-- Counted figures over time, and what reports are made from.
select 1;
