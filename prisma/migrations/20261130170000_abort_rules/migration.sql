-- Abort rules: a job is paused or cancelled when too many of its devices fail or refuse.
alter table job add column rollout jsonb;
comment on column job.rollout is 'How the job proceeds through its devices: its abort rules. Null for a job without.';
alter table job add column judged_from jsonb;
comment on column job.judged_from is
  'The counters of a job with abort rules when it was resumed last: rules count from there. Null if it never was.';
alter table job add column crossed_rule integer;
comment on column job.crossed_rule is
  'The place, from 0, of the abort rule that paused the job, until it is resumed, or that cancelled it.';

alter table job_event drop constraint job_event_cause_check;
alter table job_event add constraint job_event_cause_check
  check (cause in ('user', 'schedule', 'devices', 'deadline', 'hub', 'rule'));
alter table job_event add column crossing jsonb;
comment on column job_event.crossing is
  'The abort rule that moved the job, the counters that crossed its threshold, and the calls that were under way.';

-- Applies the abort rules to the counters that a job is about to get. It is a trigger, so a job moves in the change of its
-- counters that crosses a threshold, under the lock of its row: no call can be marked in between. A rule that cancels comes
-- before one that pauses. A job without waiting devices goes on, because there is nothing to stop.
create function apply_abort_rules() returns trigger
language plpgsql volatile
as $$
declare
  failed constant integer := new.failed_count - coalesce((new.judged_from ->> 'failed')::integer, 0);
  refused constant integer := new.refused_count - coalesce((new.judged_from ->> 'refused')::integer, 0);
  ended constant integer :=
    new.succeeded_count + new.failed_count - coalesce((new.judged_from ->> 'ended')::integer, 0);
  crossed record;
  words text;
  moment timestamptz;
begin
  select place - 1 as place, rule, matched into crossed
  from jsonb_array_elements(new.rollout -> 'abort') with ordinality as rules (rule, place)
  cross join lateral (
    select case when rule -> 'on' ? 'failed' then failed else 0 end
           + case when rule -> 'on' ? 'refused' then refused else 0 end as matched
  ) counted
  where ended >= (rule ->> 'afterDevices')::integer
    and matched > 0
    and matched * 100.0 >= (rule ->> 'percent')::numeric * ended
  order by rule ->> 'action' = 'cancel' desc, place
  limit 1;
  if not found then
    return new;
  end if;

  words := format(
    '%s of %s devices %s%s: at least %s %%. Calls in progress: %s.',
    crossed.matched, ended,
    case when jsonb_array_length(crossed.rule -> 'on') > 1 then 'failed or refused' else crossed.rule -> 'on' ->> 0 end,
    case when new.judged_from is null then '' else ' since the job was resumed' end,
    crossed.rule ->> 'percent', new.running_count
  );
  -- By the clock of the hub that wrote the outcomes.
  select ended_time into moment from device_job_outcome
  where job_key = new.key and version = new.version and version > 0
  limit 1;

  new.crossed_rule := crossed.place;
  if crossed.rule ->> 'action' = 'cancel' then
    new.status := 'cancelled';
    new.status_message := words;
    new.canceled_count := new.canceled_count + new.pending_count;
    new.pending_count := 0;
  else
    new.status := 'paused';
  end if;
  insert into job_event (job_key, version, time, type, status, cause, reason, crossing)
  values (
    new.key, new.version, coalesce(moment, clock_timestamp()), new.status, new.status, 'rule', words,
    jsonb_build_object(
      'rule', crossed.rule, 'matched', crossed.matched, 'ended', ended, 'underWay', new.running_count
    )
  );
  return new;
end $$;

-- The condition is evaluated without a call of the function, so jobs without rules cost no more.
create trigger apply_abort_rules before update of failed_count, succeeded_count on job
for each row
when (new.rollout ? 'abort' and old.status = 'running' and new.status = 'running' and new.pending_count > 0)
execute function apply_abort_rules();
