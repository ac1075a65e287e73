import { relative } from 'node:path'

/**
 * Ends a run with what a reader of the last lines needs: each test that was skipped and what it needs, each test that failed
 * and why, the counts.
 */
export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const by = (state) => tests.filter((test) => test.result().state === state)
    const skipped = by('skipped')
    // A file that could not even be loaded holds tests that did not run.
    const unloadable = modules.filter((module) => module.errors().length > 0)
    const failed = [...by('failed'), ...unloadable]

    for (const test of skipped) {
      const reason = test.result().note ?? 'no reason given'
      console.log(`skipped: ${reason.replace(/^skipped: /, '')} (${nameOf(test)})`)
    }
    for (const one of failed) {
      const [error] = one.type === 'module' ? one.errors() : one.result().errors
      console.log(`failed: ${nameOf(one)}\n${reasonOf(error)}`)
    }
    for (const error of unhandledErrors)
      console.log(`failed: unhandled: ${firstLine(error.message)}`)
    const isEmpty = modules.length === 0
    if (isEmpty) console.log('failed: no test file has that name')
    const failures = failed.length + unhandledErrors.length + Number(isEmpty)
    console.log(`slowest: ${slowestOf(modules)}`)
    console.log(`${by('passed').length} passed, ${failures} failed, ${skipped.length} skipped`)
  }
}

function nameOf(one) {
  const file = relative(process.cwd(), (one.module ?? one).moduleId)
  return one.type === 'module' ? file : `${file}: ${one.fullName}`
}

function slowestOf(modules) {
  return modules
    .map((module) => ({ name: nameOf(module), seconds: module.diagnostic().duration / 1000 }))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, 20)
    .map(({ name, seconds }) => `${name} ${seconds.toFixed(0)} s`)
    .join(', ')
}

/** What an error says and what differs, as far as somebody reads on. */
function reasonOf({ message = '', diff = '' } = {}) {
  const lines = `${message}\n${diff}`.split('\n').filter((line) => line.trim() !== '')
  return lines
    .slice(0, 40)
    .map((line) => `        ${line.slice(0, 300)}`)
    .join('\n')
}

function firstLine(text = '') {
  return text.split('\n', 1)[0]
}
