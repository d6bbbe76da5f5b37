-- Ramps: the rate of a job begins low and rises after each so many devices that succeed. What holds is in max_per_minute, as for every
-- job, so the functions that leave room by it need not know of ramps.
alter table job add column ramp jsonb;
comment on column job.ramp is
  'How max_per_minute rises, and up to which value: from, factor, afterSucceeded, maxPerMinute. Null for a rate that stays.';

-- Devices per minute after so many have succeeded. Above exp(14) the rate has reached every maximum.
create function ramped_rate(ramp jsonb, succeeded integer) returns integer language sql immutable parallel safe
begin atomic
  select case
           when steps * ln(factor) > 14 then most
           else least(most, floor(first * power(factor, steps) + 0.000001))
         end::integer
  from (
    select (ramp ->> 'from')::float8 as first, (ramp ->> 'factor')::float8 as factor,
           (ramp ->> 'maxPerMinute')::float8 as most, (succeeded / (ramp ->> 'afterSucceeded')::integer)::float8 as steps
  ) given;
end;

create function follow_ramp() returns trigger language plpgsql volatile as $$
begin
  -- A device that refused has not succeeded, and one that was skipped shows nothing about the others.
  new.max_per_minute := ramped_rate(new.ramp, new.succeeded_count - new.refused_count - new.skipped_count);
  return new;
end $$;

create trigger follow_ramp before insert or update of ramp, succeeded_count, skipped_count on job
for each row when (new.ramp is not null) execute function follow_ramp();
