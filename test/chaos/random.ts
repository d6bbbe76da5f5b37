/** Random choices that follow from a seed: the same seed gives the same choices, in the same order. */
export type Random = {
  /** A number from `least` to under `most`. */
  between(least: number, most: number): number
  pick<const T>(list: readonly [T, ...T[]]): T
  /** The same items in another order. */
  shuffle<T>(list: readonly T[]): T[]
}

/** `stream` separates choices that must not depend on how many others are made with the same seed. */
export function createRandom(seed: number, stream = 0): Random {
  // Marsaglia's xorshift, which must not begin with zero. The factor sets seeds that are close to each other apart.
  let state = Math.imul(seed + stream * 7_919 + 1, 0x9e3779b1) || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let skipped = 0; skipped < 16; skipped++) next()
  return {
    between: (least, most) => least + next() * (most - least),
    pick: (list) => list[Math.floor(next() * list.length)] ?? list[0],
    shuffle(list) {
      const rest = [...list]
      const shuffled = []
      while (rest.length > 0) shuffled.push(...rest.splice(Math.floor(next() * rest.length), 1))
      return shuffled
    },
  }
}
