// Where the program finds files. In the bundle, the place of a module is that of its chunk, in `dist/program`. So only this
// module asks for its own place, which is as deep as that.

/** The folder of the package, with `package.json` and `prisma`. */
export const packageFolder = new URL('../../', import.meta.url)

/** The folder of the code: `src` in tests, otherwise `dist`. */
export const codeFolder = new URL('../', import.meta.url)

/** The ending of the names of modules in the folder of the code. */
export const moduleEnding = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
