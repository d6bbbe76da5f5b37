/** A count with thousands separated. */
export const number = (count: number): string => count.toLocaleString('en')

/** A count of things: `1 device`, `2,000 devices`. */
export const counted = (count: number, thing: string): string => `${number(count)} ${thing}${count === 1 ? '' : 's'}`

/** A duration in milliseconds as seconds: `0.4 s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
