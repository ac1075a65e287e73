import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Small files that take minutes: begun last, they would be waited for alone. */
const LONG = ['aws/terraform', 'demo/demo']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) =>
      LONG.some((name) => moduleId.endsWith(`/test/${name}.test.ts`))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    globalSetup: ['test/harness/build.ts'],
    // Generous: a slow machine is not a failure. Tests wait for conditions and end as soon as those hold.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // Modules are loaded once for a worker instead of once for each file, which takes as long as the tests. What a
    // module keeps it lets go with its last user; what a test changes in its process it puts back.
    isolate: false,
    // They wait for processes more than they compute, so that two go well with two cores.
    maxWorkers: 2,
  },
})
