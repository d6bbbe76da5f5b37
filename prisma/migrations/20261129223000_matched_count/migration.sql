alter table job add column matched_count integer;
comment on column job.matched_count is 'The devices that met the condition of a job that failed because they were more than max_devices.';
