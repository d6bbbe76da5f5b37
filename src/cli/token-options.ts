import { text } from './options.ts'

/** Where the keys are that sign tokens. */
export const dataDir = text({
  placeholder: 'FOLDER',
  pattern: /./,
  allowed: 'the data folder of a hub',
  fallback: process.env.DATA_DIR || '.twincast',
  help: 'the folder with the keys of the hub',
})

/** The hub that tokens are for. */
export const host = text({
  placeholder: 'NAME',
  pattern: /^[A-Za-z\d.-]{1,253}$/,
  allowed: 'a host name, without a port',
  fallback: process.env.HUB_HOST_NAME || 'localhost',
  help: 'the HUB_HOST_NAME of the hub',
})
