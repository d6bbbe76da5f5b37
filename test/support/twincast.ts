import { resolve } from 'node:path'

/** The program as `npm run compile` leaves it. Started from its sources, it takes twice the processor time each time. */
export const twincast = resolve(import.meta.dirname, '../../dist/cli/twincast.js')
