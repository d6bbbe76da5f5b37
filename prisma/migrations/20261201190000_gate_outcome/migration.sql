-- How the gate of a wave was decided. Null before that, for the last wave, and for gates that were decided before this migration.
alter table job_wave add column gate_outcome text
  check (gate_outcome in ('passed', 'skipped', 'failed', 'rejected'));
