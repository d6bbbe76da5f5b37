-- Abort rules that count single error codes and response statuses. Such a job has a count for each that its rules ask for, in its
-- row, which changes with its other counters. Jobs without such rules have none, and cost no more.
alter table job add column rule_counts jsonb;
comment on column job.rule_counts is
  'Of each error code and response status that an abort rule of the job counts, the number of device jobs. Null without such rules.';

-- Adds the outcomes of the batch that changes the counters of a job: they have the version that the job is about to get.
create function add_rule_counts() returns trigger
language plpgsql volatile
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
begin
  select jsonb_object_agg(counted.key, counted.value::integer + coalesce(added.count, 0)) into new.rule_counts
  from jsonb_each_text(new.rule_counts) as counted
  left join (
    select coalesce(error_code, response_status::text) as key, count(*) as count
    from device_job_outcome
    where job_key = new.key and version = new.version and version > 0
    group by 1
  ) added on added.key = counted.key;
  return new;
end $$;

-- Triggers fire in the order of their names: this one before that which applies the rules.
create trigger add_rule_counts before update of failed_count, succeeded_count on job
for each row
when (new.rule_counts is not null and new.version > old.version)
execute function add_rule_counts();

-- Applies the abort rules to the counters that a job is about to get. It is a trigger, so a job moves in the change of its
-- counters that crosses a threshold, under the lock of its row: no call can be marked in between. A rule that cancels comes
-- before one that pauses. A job without waiting devices goes on, because there is nothing to stop.
create or replace function apply_abort_rules() returns trigger
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
  -- Time-outs are failures, so they count once where both are counted.
  cross join lateral (
    select coalesce(
      rule ->> 'errorCode', rule ->> 'responseStatus',
      case when rule -> 'on' ? 'timedOut' and not rule -> 'on' ? 'failed' then 'GatewayTimeout' end
    ) as key
  ) single
  cross join lateral (
    select case when rule -> 'on' ? 'failed' then failed else 0 end
           + case when rule -> 'on' ? 'refused' then refused else 0 end
           + coalesce((new.rule_counts ->> key)::integer, 0)
           - coalesce((new.judged_from -> 'counts' ->> key)::integer, 0) as matched
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
    case
      when crossed.rule ? 'errorCode' then 'failed with ' || (crossed.rule ->> 'errorCode')
      when crossed.rule ? 'responseStatus' then 'answered with status ' || (crossed.rule ->> 'responseStatus')
      else (
        select string_agg(case result when 'timedOut' then 'timed out' else result end, ' or ' order by place)
        from jsonb_array_elements_text(crossed.rule -> 'on') with ordinality as counted (result, place)
      )
    end,
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
