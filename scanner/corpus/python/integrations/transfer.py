"""Ledger uploads and mailed reports."""
import ftplib
import os
import smtplib
import ssl
from email.message import EmailMessage


def upload_ledger(path):
    with ftplib.FTP("ftp.partner.example") as ftp, open(path, "rb") as ledger:
        ftp.login(os.environ["FTP_USER"], os.environ["FTP_PASSWORD"])
        ftp.storbinary("STOR ledger.csv", ledger)


def upload_statement(path):
    context = ssl.create_default_context()
    with ftplib.FTP_TLS("ftp.partner.example", context=context) as ftp, open(path, "rb") as ledger:
        ftp.login(os.environ["FTP_USER"], os.environ["FTP_PASSWORD"])
        ftp.prot_p()
        ftp.storbinary("STOR statement.csv", ledger)


def mail_report(text):
    message = EmailMessage()
    message["To"] = "ledger@partner.example"
    message.set_content(text)
    with smtplib.SMTP("mail.partner.example", 25) as server:
        server.login("reports", os.environ["SMTP_PASSWORD"])
        server.send_message(message)


def mail_summary(text):
    message = EmailMessage()
    message["To"] = "ledger@partner.example"
    message.set_content(text)
    with smtplib.SMTP("mail.partner.example", 587) as server:
        server.starttls(context=ssl.create_default_context())
        server.login("reports", os.environ["SMTP_PASSWORD"])
        server.send_message(message)
