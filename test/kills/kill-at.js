import pg from 'pg'

// Loaded before the hub: kills its process at a point that KILL_AT names, as JSON: the name or a part of the text of a statement,
// and when: `before` it leaves, `during` it (the server has it, and its answer never arrives), `after` its answer, or after the
// `commit` of its transaction. `turn` is how often the point is passed before.

const { statement, when, turn } = JSON.parse(process.env.KILL_AT ?? 'null')
const { query } = pg.Client.prototype
let left = turn
/** Connections with a transaction that has had the statement. */
const meant = new WeakSet()

const kill = () => process.kill(process.pid, 'SIGKILL')

/** Sends the query; kills the process when it is answered, however it was called. */
const killWhenAnswered = (client, args) => {
  const last = args.length - 1
  if (typeof args[last] === 'function') return query.apply(client, [...args.slice(0, last), kill])
  const [config] = args
  // A query of the hub's own, which pg only submits.
  if (typeof config.submit === 'function') {
    config.callback = kill
    return query.apply(client, args)
  }
  const result = query.apply(client, args)
  result.then(kill, () => {})
  return result
}

pg.Client.prototype.query = function (...args) {
  const [config] = args
  const text = typeof config === 'string' ? config : (config?.text ?? '')
  if (meant.has(this) && /^\s*commit/i.test(text)) return killWhenAnswered(this, args)
  const isPoint = config?.name === statement || text.includes(statement)
  if (!isPoint || left-- > 0) return query.apply(this, args)
  if (when === 'before') kill()
  if (when === 'after') return killWhenAnswered(this, args)
  if (when === 'during') setTimeout(kill, 1)
  else meant.add(this)
  return query.apply(this, args)
}
