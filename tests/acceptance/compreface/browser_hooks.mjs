// What a bundler does for a page: take the module that form-data's field "browser" names.
export const resolve = (specifier, context, next) =>
  next(specifier === "form-data" ? "form-data/lib/browser.js" : specifier, context);
