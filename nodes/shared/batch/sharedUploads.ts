/** One upload per content and run, however many rows use the file. */
export interface SharedUploads {
	/** The URL of the content with this hash; `upload` runs only if nobody else has or is about to. */
	urlOf(contentHash: string, upload: () => Promise<string>): Promise<string>;
}

export function createSharedUploads(): SharedUploads {
	const urls = new Map<string, Promise<string>>();
	return {
		async urlOf(contentHash, upload) {
			const known = urls.get(contentHash);
			if (known) return await known;
			const url = upload();
			urls.set(contentHash, url);
			// Rows that wait for this upload share its failure; a later row, or a retry, tries again.
			url.catch(() => urls.delete(contentHash));
			return await url;
		},
	};
}
