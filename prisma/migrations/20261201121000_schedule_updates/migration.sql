-- Two people may change a schedule at the same time.
alter table job_schedule add column etag_version integer not null default 1;
comment on column job_schedule.etag_version is 'Counts the changes of the schedule by updateJobSchedule, for its etag.';
comment on column job_schedule.author is
  'Whose rights the jobs need at their times: who created the schedule, or changed or resumed it last.';
