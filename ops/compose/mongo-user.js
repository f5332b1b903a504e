// Run once by the image, as root, when the database is new: the services' user sees one database only.
const password = require("fs").readFileSync("/run/secrets/mongo_password", "utf8").trim();
db.getSiblingDB("callytics").createUser({
  user: "callytics",
  pwd: password,
  roles: [{ role: "readWrite", db: "callytics" }],
});
