/** Words for the table of docs/compatibility.md. */

const FAILED = 'FAILED: ';

/** What the scenario says, or what went wrong in it: one that fails must not hide the others. */
export async function runScenario(work: () => Promise<string>): Promise<string> {
	try {
		return await work();
	} catch (error) {
		return FAILED + (error instanceof Error ? error.message : String(error));
	}
}

export const isFailure = (cell: string): boolean =>
	cell.includes(FAILED) || /\d failed|did not run|could not be|LOST/.test(cell);

export function report(title: string, results: Record<string, string>): void {
	console.log(title);
	for (const [name, result] of Object.entries(results)) console.log(`  ${name}: ${result}`);
}
