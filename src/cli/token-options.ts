import { text } from './options.ts'

/** Where the keys are that sign tokens. */
export const dataDir = () =>
  text('--data-dir <FOLDER>', 'the folder with the keys of the hub', /./, 'the data folder of a hub')
    .env('DATA_DIR')
    .default('.twincast')

/** The hub that tokens are for. */
export const host = () =>
  text('--host <NAME>', 'the HUB_HOST_NAME of the hub', /^[A-Za-z\d.-]{1,253}$/, 'a host name, without a port')
    .env('HUB_HOST_NAME')
    .default('localhost')
