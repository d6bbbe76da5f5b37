/** A point at which an instance is killed: at a statement of the hub, by its name or a part of its text. */
export type KillPoint = {
  readonly name: string
  readonly statement: string
  /** `commit`: after the commit of the transaction with the statement. */
  readonly when: 'before' | 'during' | 'after' | 'commit'
}

const at = (what: string, statement: string, ...moments: readonly KillPoint['when'][]): KillPoint[] =>
  moments.map((when) => ({ name: `${when} ${what}`, statement, when }))

/** Where facts and transitions are written, and where what a dead instance left behind is read. */
export const killPoints: readonly KillPoint[] = [
  ...at('the marks of calls', 'mark_calls(', 'before', 'during', 'after'),
  ...at('outcomes', 'settle_device_jobs', 'before', 'during', 'after'),
  ...at('the selection of devices', 'insert into device_job ', 'after', 'commit'),
  ...at('a wait for another job', 'set waits_for = $', 'after', 'commit'),
  ...at('the opening of a wave', 'open_wave = (', 'after', 'commit'),
  ...at('the end of a job', 'finish-jobs', 'after', 'commit'),
  ...at('a reached share', 'set reached_time', 'after', 'commit'),
  ...at('a pause', "set status = 'paused'", 'after', 'commit'),
  ...at('a resumption', 'resumed_version = version + 1, crossed_rule', 'after', 'commit'),
  ...at('new limits', 'max_concurrent = $', 'after', 'commit'),
  ...at('cancelled device jobs', 'cancel_device_jobs(', 'after', 'commit'),
  ...at('the call of a device that attaches', 'find-waiting', 'after'),
  ...at('the calls of a dead instance', 'find-under-way', 'before', 'after'),
  ...at('orphaned calls', 'find-still-under-way', 'after', 'commit'),
  ...at('the repeated calls of others', 'find-repeated', 'after'),
  ...at('the selection of devices before a start', 'set selected_time =', 'after', 'commit'),
  ...at('devices that join', 'save-joined', 'after', 'commit'),
  ...at('the next times of a window', 'set opens_time = given.opens', 'after', 'commit'),
  ...at('skipped devices', 'count-skipped', 'after', 'commit'),
]
