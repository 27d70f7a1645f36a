// A form sends what its fields hold. Left to itself, Swagger UI fills a field without a default with
// a made-up value, or sends it empty. Here such a field starts empty, and is then left out.
const emptyFields = {
  afterLoad() {
    const sample = this.fn.getSampleSchema;
    this.fn.getSampleSchema = (schema, mediaType, ...others) => {
      const isField = mediaType === false && schema?.toJS;
      const { type, default: preset } = isField ? schema.toJS() : {};
      const isText = isField && type !== "array" && type !== "object";
      return isText && preset === undefined ? "" : sample(schema, mediaType, ...others);
    };
  },
  wrapComponents: {
    ParameterIncludeEmpty: (Original, { React }) => ({ isIncludedOptions, ...others }) =>
      React.createElement(Original, {
        isIncludedOptions: { ...isIncludedOptions, defaultValue: false },
        ...others,
      }),
  },
};

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  displayRequestDuration: true,
  persistAuthorization: true,
  plugins: [emptyFields],
  tryItOutEnabled: true,
  validatorUrl: null,
});
