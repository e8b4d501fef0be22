-- Who may remove what is done with, and the months of the log that were archived.
select 1;
