-- Twin updates that skip the devices whose twins the patch would not change. Each of these gets an outcome, as a device whose twin
-- was patched does. It has a description and no error code, which no other outcome has: a column of its own would make every
-- outcome larger.
alter table job add column skip_compliant boolean not null default false;
comment on column job.skip_compliant is 'Whether the devices are skipped whose twins the patch would not change.';
alter table job add column skipped_count integer not null default 0;
comment on column job.skipped_count is 'Of succeeded_count, the devices that were skipped.';
alter table job add constraint job_skipped check (skipped_count between 0 and succeeded_count);

alter table job_wave add column skipped_count integer not null default 0 check (skipped_count between 0 and succeeded_count);
alter table job_sample add column skipped_count integer not null default 0;

alter table job_template add column skip_compliant boolean not null default false;

-- Not validated, because that would read all outcomes: those of before have either both or neither.
alter table device_job_outcome drop constraint device_job_outcome_check;
alter table device_job_outcome add constraint device_job_outcome_check check (
  (error_code is null) = (error_description is null) or (error_code is null and response_status is null)
) not valid;
