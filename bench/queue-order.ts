/** What the program of a queue is told: to add so many jobs that do nothing, and to finish them. */
export type QueueOrder = { readonly operations: number }
/** What it says. `operations`: the jobs that were done. */
export type QueueNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly seconds: number; readonly operations: number }
