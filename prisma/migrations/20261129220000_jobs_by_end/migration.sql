-- Lists order jobs by their end, and open jobs count as ended last. As one value, both are one range of one index; it
-- takes the place of the index of ended jobs.
drop index job_end_time;
create index job_end on job (coalesce(end_time, 'infinity'), id);
