import { pino } from 'pino'
import { systemClock } from '../clock.ts'
import { type Config, readConfig } from '../config.ts'
import { createLog, type Log } from '../log/log.ts'

// For the commands that work on the data of a hub, and not through its ports. They load this when they run.

/** The configuration of the hub, from the environment. @throws ConfigurationError */
export const hubSettings = (dataDir: string): Config => readConfig({ ...process.env, DATA_DIR: dataDir }, process.cwd())

/** For what an embedded database reports. Standard output is for the result of the command. */
export const createWarnings = (): Log => createLog('warn', systemClock, pino.destination(2))
