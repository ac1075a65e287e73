// Says in one line why Lifeboat cannot run here, or nothing when it can. As a program it says so on
// stderr and exits with 20. Written so that a Node of ten years ago can still read it.
'use strict'

const MINIMUM = [20, 19]

function unmetRequirement() {
  const version = process.versions.node.split('.').map(Number)
  const isOld = version[0] < MINIMUM[0] || (version[0] === MINIMUM[0] && version[1] < MINIMUM[1])
  if (isOld) {
    return `Lifeboat needs Node ${MINIMUM.join('.')} or later, and this is Node ${process.versions.node}`
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `Lifeboat runs on Linux x64, and this is ${process.platform} ${process.arch}`
  }
  return undefined
}

const problem = unmetRequirement()
if (problem) {
  process.stderr.write(`error: ${problem}\n`)
  process.exit(20)
}
