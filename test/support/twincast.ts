import { resolve } from 'node:path'

/** The program as `npm run compile` leaves it. Started from its sources, it takes twice the processor time each time. */
export const twincast = resolve(import.meta.dirname, '../../dist/cli/twincast.js')

/**
 * The same program with its packages in few files (`bundleOfTests` in dev/build.js): a hub starts in three quarters of the processor
 * time. Tests of commands, of the image and of the package start the one above.
 */
export const quickTwincast = resolve(import.meta.dirname, '../../dist/.tests/twincast.js')
