// Starts the compiled program. A checkout is set up first; an installed package has no scripts/.
'use strict'
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const root = join(__dirname, '..')

async function launch() {
  const setUp = join(root, 'scripts', 'set-up.mjs')
  if (existsSync(setUp)) {
    const { ensureSetUp } = await import(pathToFileURL(setUp).href)
    if (!ensureSetUp()) {
      process.exitCode = 20
      return
    }
  }
  await import(pathToFileURL(join(root, 'dist', 'programs', 'main.js')).href)
}

launch()
