resource "aws_db_instance" "main" {
  identifier = "my-app-db"
  engine = "postgres"
  instance_class    = "db.t3.micro"
  allocated_storage = 20
  db_name           = "appdb"
  username          = "appadmin"
  password          = "s3cr3t-passw0rd"
  # Automated backups
  backup_retention_period = 7 # Days to retain backups (max 35)
  backup_window = "03:00-04:00" # UTC - during low traffic
  maintenance_window = "Mon:04:00-Mon:05:00"
  # Enable deletion protection
  deletion_protection = var.is_protected
  # Copy tags to snapshots
  copy_tags_to_snapshot = true
  # Enable storage encryption
  storage_encrypted = true
  # Final snapshot before deletion
  skip_final_snapshot = false
  final_snapshot_identifier = "my-app-db-final-snapshot"
}
variable "is_protected" {
  type    = bool
  default = true
}
