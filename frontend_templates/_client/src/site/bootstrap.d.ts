declare module "bootstrap/js/src/*.js";
declare module "*.css";
declare module "*.scss";
declare module "@fontsource-variable/inter/wght.css";
