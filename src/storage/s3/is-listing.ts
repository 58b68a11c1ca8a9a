/**
 * Every listing says whether it goes on. The page of something else on the way, or one that is cut, does not, and the SDK would
 * read it as a complete listing with nothing in it (I9).
 */
export function isListing({ IsTruncated }: { readonly IsTruncated?: boolean | undefined }): boolean {
  return IsTruncated !== undefined;
}
